"""`python -m espomail` is the espomail command."""

from espomail.cli.main import main

if __name__ == "__main__":
    main()
