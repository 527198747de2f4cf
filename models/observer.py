"""What is told how a long task goes that is no run: a restore, a drill."""


class Steps:
    """Is told of each step; does nothing itself. The command line shows it, tests count it."""

    def begins(self, name: str, size: int) -> None:
        """A step begins that handles `size` bytes; 0 when that is not known."""

    def goes_on(self, size: int) -> None:
        """`size` bytes more were handled."""

    def ends(self) -> None:
        """The step is over."""
