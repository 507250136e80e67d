# shellcheck shell=bash
# Set-up shared by the commands in bin/: system packages and the virtualenv. To be sourced after `set -euo pipefail`.
#
#   ensure_system_packages PACKAGE…   installs the Debian packages that are missing (apt, as root)
#   ensure_venv REQUIREMENTS_FILE     makes .venv and installs the file, only when it or a file that it includes changed
#
# Both are quiet when there is nothing to do, report to standard error and ask nothing. Limit: a package that was
# removed from .venv by hand is not noticed; delete .venv to begin anew.

VENV_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VENV_PYTHON="$VENV_ROOT/.venv/bin/python"

_say() { printf '%s\n' "$*" >&2; }

_fail() {
    _say "$*"
    exit 1
}

_is_installed() {
    [[ $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) == "install ok installed" ]]
}

# A package that brings a server would start it as a service of this machine. The policy file is Debian's way to say no.
_apt_install() (
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends "$@"
)

ensure_system_packages() {
    local package missing=()
    for package in "$@"; do
        _is_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    if ! command -v apt-get >/dev/null || ((EUID != 0)); then
        _fail "Missing: ${missing[*]}. Install them, or run this as root on Debian to have it done."
    fi
    _say "Installing system packages: ${missing[*]}"
    _apt_install "${missing[@]}" </dev/null >&2
}

_find_python() {
    local candidate
    for candidate in python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    _fail "Python 3.11 or newer is needed."
}

_make_venv() {
    "$VENV_PYTHON" -c 'import pip' 2>/dev/null && return
    local python
    python=$(_find_python)
    # Debian ships venv's other half, ensurepip, in a package of its own.
    "$python" -c 'import ensurepip' 2>/dev/null || ensure_system_packages python3-venv
    _say "Making .venv with $python"
    "$python" -m venv --clear "$VENV_ROOT/.venv" </dev/null >&2
}

# The files that $1 includes with "-r", and those that these include, and $1 itself: one a line.
_requirement_files() {
    local file=$1 included
    while read -r included; do
        _requirement_files "$(dirname "$file")/$included"
    done < <(sed -n 's/^-r[[:space:]]*//p' "$file")
    printf '%s\n' "$file"
}

_stamp_file() { printf '%s/.venv/.installed-%s' "$VENV_ROOT" "$(basename "$1")"; }

_fingerprint() { _requirement_files "$1" | xargs -d '\n' cat | sha256sum; }

_is_current() { [[ -f $(_stamp_file "$1") && $(<"$(_stamp_file "$1")") == $(_fingerprint "$1") ]]; }

_install() {
    local file
    _say "Installing $(basename "$1")"
    "$VENV_PYTHON" -m pip install --quiet --no-input --disable-pip-version-check -r "$1" </dev/null >&2
    while read -r file; do
        _fingerprint "$file" >"$(_stamp_file "$file")"
    done < <(_requirement_files "$1")
}

ensure_venv() {
    local file=$VENV_ROOT/$1 lock
    # Two commands may be started at once in one clone; the second one waits and then finds the work done.
    exec {lock}<"$VENV_ROOT"
    flock "$lock"
    _make_venv
    _is_current "$file" || _install "$file"
    exec {lock}<&-
}
