"""What a page of the window is, and what it is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QSettings, Signal
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from app.gui.executor import Failure, SerialExecutor
    from app.gui.probing import Probing
    from app.gui.session import Session
    from app.gui.store_opening import StoreOpening
    from app.gui.theme import Theme
    from assessments.assessment import Assessed
    from assessments.judging import Judged


@dataclass(frozen=True)
class Context:
    """What every page is given. `go_to(page, **where)` shows another page; `say` shows a failure in place.

    `stores` opens another store; pages that need an assessment have one open already.
    """

    session: Session
    executor: SerialExecutor
    probing: Probing
    theme: Theme
    settings: QSettings
    go_to: Callable[..., None]
    say: Callable[[Failure | str], None]
    stores: StoreOpening


class Page(QWidget):
    """A page. The window makes it when it is first shown and calls what stands below.

    `key` is its name in the program, `icon` one of `resources/icons`. The head of the window shows `title()`,
    `subtitle()` and `head_actions()`; emit `head_changed` when one of them changes. `keys` are (key, what
    it does) for F1.
    """

    key = ""
    icon = ""
    needs_assessment = True
    keys: Sequence[tuple[str, str]] = ()
    head_changed = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self.session, self.theme = context.session, context.theme

    def title(self) -> str:
        """The name of the page."""
        return ""

    def subtitle(self) -> str:
        """What stands muted behind the title."""
        return ""

    def head_actions(self) -> Sequence[QWidget]:
        """Buttons for the right end of the head, at most one of them primary; always the same objects."""
        return ()

    def show_opened(self, name: str) -> None:
        """Another assessment is open, or none (`name` is empty)."""

    def show_judged(self, judged: Judged) -> None:
        """Claims and scores changed. Has to be quick."""

    def show_assessed(self, assessed: Assessed) -> None:
        """Verdict, actions and forecast follow a moment later."""

    def enter(self, **where: Any) -> None:
        """The page is shown; `where` is what `go_to` was given, such as `question="INF-08"`."""

    def leave(self) -> None:
        """Another page is shown."""

    def end(self) -> None:
        """The window closes: whatever the page has started ends."""


class AssessedPage(Page):
    """A page that draws the whole assessment, which takes longer than an answer on another page may.

    It is drawn while somebody looks, else when the page is next shown; subclasses say how in `draw_assessed`.
    """

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._waiting: Assessed | None = None
        self._is_shown = False

    def draw_assessed(self, assessed: Assessed) -> None:
        """Draws all of it."""
        raise NotImplementedError

    def show_opened(self, _name: str) -> None:
        """Another assessment: what waited belongs to the other one."""
        self._waiting = None

    def show_assessed(self, assessed: Assessed) -> None:
        """All of it, when it is looked at."""
        self._waiting = assessed
        if self._is_shown:
            self._take()

    def enter(self, **_where: Any) -> None:
        """Draws what came meanwhile."""
        self._is_shown = True
        self._take()

    def leave(self) -> None:
        """Nothing is drawn while nobody looks."""
        self._is_shown = False

    def _take(self) -> None:
        assessed, self._waiting = self._waiting, None
        if assessed is not None:
            self.draw_assessed(assessed)


@dataclass(frozen=True)
class PageKind:
    """A page before it is made: its module is imported when it is first shown, so the window is soon there.

    `key`, `icon` and `needs_assessment` are those of the class `name` in `module`.
    """

    key: str
    icon: str
    module: str
    name: str
    needs_assessment: bool = True

    def make(self, context: Context) -> Page:
        """The page itself."""
        kind = cast(type[Page], getattr(import_module(self.module), self.name))
        return kind(context)
