"""Icons of the window: Lucide (ISC and MIT, see LICENSE.txt), one SVG each, drawn in `currentColor`."""
