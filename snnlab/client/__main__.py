"""`python -m snnlab.client` is `snnlab`, where the command is not on the path."""

from snnlab.client.cli import main


main()
