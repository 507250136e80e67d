/* Buttons that copy what stands in the box beside them, as it is shown: redacted. */
"use strict";

document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-deferapp-copy]");
    if (!button) {
        return;
    }
    const box = button.parentElement.querySelector("pre");
    const label = button.textContent;
    try {
        await navigator.clipboard.writeText(box.textContent);
        button.textContent = button.dataset.done;
        setTimeout(() => { button.textContent = label; }, 2000);
    } catch {
        // Without the right to write to the clipboard, select it for the reader to copy.
        getSelection().selectAllChildren(box);
    }
});
