"""Train one model: the same as ``stance train``, as a file that ``torchrun`` can start."""

import sys

from pipeline.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "train")
    main()
