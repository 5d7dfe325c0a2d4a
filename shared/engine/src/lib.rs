//! Answers a query: plan, prune, fetch, scan, merge; labels and series.
