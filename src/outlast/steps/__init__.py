"""Each step joins the layers below for one job: seal, spread, gather, check, play."""
