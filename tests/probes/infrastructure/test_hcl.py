"""Terraform's files are read as they are written: blocks, labels, lines, and values that are no variables."""

from __future__ import annotations

import pytest

from probes.documents import DocumentError
from probes.infrastructure.hcl import read_hcl

REAL = """# Copyright (c) HashiCorp, Inc.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.0" }
  }
}

/* a comment with { braces } and "quotes" */
resource "aws_autoscaling_group" "web" {
  name_prefix = "web-${var.env["name"]}-"   // not a plain string
  min_size    = 2
  max_size    = "10"
  user_data   = base64encode(<<-EOT
    #!/bin/bash
    echo "}"
    EOT
  )
  dynamic "tag" {
    for_each = merge(
      var.tags, # one a line
      { Name = "web" },
    )
    content {
      key = tag.key
    }
  }
  multi_az = var.env == "prod" ? true : false
}
resource "aws_sqs_queue" "jobs" { visibility_timeout_seconds = 30 }
"""


def test_blocks_have_labels_lines_and_what_is_in_them() -> None:
    root = read_hcl(REAL, "main.tf")
    assert [(block.kind, block.labels, block.line) for block in root.blocks] == [
        ("terraform", (), 2),
        ("resource", ("aws_autoscaling_group", "web"), 9),
        ("resource", ("aws_sqs_queue", "jobs"), 29),
    ]
    group = root.blocks[1]
    assert (group.number("min_size"), group.number("max_size")) == (2.0, 10.0)
    assert group.text("name_prefix") is None, "what is interpolated is not known"
    assert group.number("multi_az") is None
    assert [block.labels for block in group.find("dynamic")] == [("tag",)]
    assert [block.values for block in group.find("content")] == [{"key": "tag.key"}]
    assert "# one a line" not in group.blocks[0].values["for_each"]
    assert root.blocks[2].number("visibility_timeout_seconds") == 30.0


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('resource "a" "b" {\n  x = 1\n', 3, "the block resource of line 1 has no end"),
        ('a = "x\n', 1, "a string has no end"),
        ("a = [1,\n2\n", 3, "a ']' is missing"),
        ("a = <<EOT\nx\n", 1, "<<EOT has no end"),
        ("\n=\n", 2, "no block and no value"),
        ("a " + "{b " * 60, 1, "deep"),
        ("a = " + "[" * 60, 1, "deep"),
    ],
)
def test_what_is_broken_is_said_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_hcl(text, "main.tf")
    assert said in caught.value.what
    assert caught.value.line == line


def test_a_file_that_repeats_what_opens_a_string_is_refused_at_once() -> None:
    with pytest.raises(DocumentError):
        read_hcl('a = "' + '${"' * 200_000, "main.tf")
