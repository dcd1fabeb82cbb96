"""On-demand list prices of cloud instances, dated; see prices.yaml."""
