"""`python -m tools.images`."""

from tools.images.packer import main

main()
