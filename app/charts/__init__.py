"""Charts as values: what they show (`spec`), where that falls (`layout`), and the shapes it is drawn with.

    ChartSpec ──layout(spec, width, height, measure)──▶ shapes ──▶ PDF (app.report), SVG, the window's painter

The live charts of the window draw a `XYChart` themselves; everything else draws the shapes. Nothing here
knows Qt or reportlab, and colours are roles of `tokens`. `pieces` are the small signs, `table` has the
numbers of any chart.
"""
