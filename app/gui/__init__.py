"""The window: pages over one open assessment. Draws and asks; scores and statistics come from `assessments`.

application   one QApplication, one instance, theme, fonts
window        rail, head, page, status bar, keys
session       the open assessment: every change is judged at once, saved in the background, and can be undone
executor      one thread for the store; results come back as queued signals
probing       a probe as a child process of the command line, its events as signals
pages/        one file a page        widgets/   pieces that pages share
models/       item models, tested without views
"""
