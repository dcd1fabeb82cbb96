"""Checklists: files of `loadstone.lens/1`, read by `assessments.lens`."""
