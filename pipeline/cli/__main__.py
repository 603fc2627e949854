"""``python -m pipeline.cli``, for instance under torchrun."""

from pipeline.cli import main

main()
