"""What is built from this folder, installed into empty environments and used there. Slow: `bin/test packaging`."""
