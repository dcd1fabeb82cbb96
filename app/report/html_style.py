"""The look of the HTML report: one style sheet, light and dark as the reader prefers, and for paper."""

from __future__ import annotations

from collections.abc import Mapping

from app.charts.tokens import DARK, LIGHT


def style_sheet() -> str:
    """The style sheet as text."""
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{color-scheme:dark;{_tokens(DARK)}}}}}"
    return f":root{{color-scheme:light;{_tokens(LIGHT)}}}\n{dark}\n{_RULES}"


def _tokens(palette: Mapping[str, str]) -> str:
    return "".join(f"--{role}:{code};" for role, code in palette.items())


_RULES = """\
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--surface);color:var(--text);font:15px/1.45 Inter,system-ui,-apple-system,\
"Segoe UI",\
Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
.page{max-width:780px;margin:0 auto;padding:0 24px 64px}
header,footer{display:flex;flex-wrap:wrap;justify-content:space-between;gap:4px 24px;color:var(--muted);\
font-size:12px;\
padding:16px 0;border-bottom:1px solid var(--line)}
header b{color:var(--text);font-weight:600;margin-right:12px}
footer{border-bottom:0;border-top:1px solid var(--line);margin-top:48px}
h1{font-size:34px;line-height:1.2;font-weight:600;margin:32px 0 4px}
h2{font-size:27px;line-height:1.25;font-weight:600;margin:4px 0 8px}
h3{font-size:18px;line-height:1.35;font-weight:600;margin:32px 0 8px}
h4{font-size:15px;line-height:1.4;font-weight:600;margin:20px 0 4px}
h2 .meter,h3 .meter,h4 .meter{margin-left:12px}
p{margin:8px 0}
section{margin-top:64px}
section.first{margin-top:0}
section.part{margin-top:40px}
.kicker,.small,figcaption,.legend,.note{color:var(--muted);font-size:12.5px}
.kicker{font-weight:500;margin:0}
.lead{font-size:16px}
.subtitle{color:var(--muted);margin:0 0 24px}
.strong{font-weight:600}.muted{color:var(--muted)}
.ok{color:var(--ok)}.warn{color:var(--warn)}.bad{color:var(--bad)}.accent{color:var(--accent)}
.ok,.warn,.bad,.accent{font-weight:500}
a{color:var(--accent);text-decoration:none}
a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.pre{white-space:pre-line}
nav{margin:32px 0;padding:12px 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line);\
font-size:13px;\
columns:3 180px}
nav a{display:block;padding:2px 0}
nav a.part{padding-left:16px}
.callout{border-left:4px solid var(--ink);padding:2px 0 2px 16px;margin:20px 0}
.callout.is-bad{border-color:var(--bad)}.callout.is-warn{border-color:var(--warn)}.callout.is-ok{border-color:var(--ok)}
.callout h3,.callout h4{margin-top:0}
.callout.large h3{font-size:26px}
.foot{display:flex;flex-wrap:wrap;gap:4px 24px;margin-top:8px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:12px 0 4px}
th{font-size:12px;font-weight:500;color:var(--muted);text-align:start;vertical-align:bottom;\
padding:4px 16px 4px 0;\
border-bottom:1px solid var(--edge)}
td{text-align:start;vertical-align:top;padding:6px 16px 6px 0;border-bottom:1px solid var(--line);\
min-width:1.5em}
.dense td{padding-top:3px;padding-bottom:3px}
.bare td{border-bottom:0}
td:last-child,th:last-child{padding-right:0}
tr:last-child td{border-bottom:0}
.right{text-align:right}.centre{text-align:center}
td.short{white-space:nowrap}
td.long{overflow-wrap:anywhere}
.sign{display:inline-block;white-space:nowrap}
.sign svg,.meter svg,.glyph svg,.legend svg{vertical-align:-.12em;margin-right:.35em}
.meter{white-space:nowrap;font-size:14px;font-weight:500;color:var(--text)}
.glyph svg{width:100%;min-width:90px;height:18px}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;margin:8px 0}
figure{margin:28px 0 12px}
figure svg,.bar svg{display:block;width:100%;height:auto;font-family:inherit}
figure h4{margin:0 0 4px}
figcaption{margin-top:6px}
details{font-size:13px;margin-top:4px}
summary{color:var(--accent);cursor:pointer;width:max-content}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:0 28px}
.columns.ruled>div+div{border-left:1px solid var(--line);padding-left:20px}
.columns figure{margin-top:16px}
.columns .small:first-child{margin:4px 0 0}
.columns .small:first-child+h4{font-size:18px;margin:0 0 6px}
section.first figure h4{font-size:18px}
.badges{display:flex;flex-wrap:wrap;gap:4px 14px;margin:4px 0;font-size:14px}
.card{border:1px solid var(--line);border-left:4px solid var(--ink);padding:12px 16px;margin:16px 0}
.card.is-contradicted{border-left-color:var(--bad)}.card.is-challenged{border-left-color:var(--warn)}
.card.is-understated{border-left-color:var(--accent)}
.card h4{margin:4px 0 8px}
.card .top{display:flex;align-items:baseline;gap:4px 16px;flex-wrap:wrap}
.card .points{margin-left:auto;font-weight:500}
.card .sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:8px 24px}
.card .sides p{margin:0}
pre{background:var(--bg);padding:12px 16px;overflow-x:auto;font:13px/1.5 ui-monospace,SFMono-Regular,\
Menlo,Consolas,monospace;\
overflow-wrap:normal}
dl{display:grid;grid-template-columns:minmax(110px,max-content) 1fr;gap:6px 20px;margin:12px 0}
dt{font-weight:500}
dd{margin:0}
@media(max-width:600px){dl{grid-template-columns:1fr}dd{margin-bottom:8px}}
@media print{
@page{size:A4;margin:17mm}
body{font-size:9pt}
h1{font-size:22pt;margin-top:12pt}
h2{font-size:18pt}
h3{font-size:12pt;margin:14pt 0 4pt}
figure{margin:14pt 0 6pt}
header{padding-top:0}
.page{max-width:none;padding:0}
nav,details{display:none}
section.new{break-before:page}
h2,h3,h4{break-after:avoid}
figure,.card,.callout,tr{break-inside:avoid}
thead{display:table-header-group}
.scroll{overflow:visible}
}
"""
