"""What can be sold: one set of rules for every door a campaign or flight comes in by, in a media planner's words."""
