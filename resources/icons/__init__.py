"""Icons of the window: Lucide (ISC and MIT licences, see LICENSE.txt), one SVG each, drawn in `currentColor`."""
