package recsys

// JoinerSize returns how many entries the tables of a joiner hold.
func JoinerSize(j *Joiner) int {
	n := len(j.named) + len(j.slates) + len(j.fresh) + len(j.pending) + len(j.out) +
		len(j.feedbackIDs.queue) + len(j.feedbackIDs.ids) + len(j.closedIDs.queue) + len(j.closedIDs.ids)
	for _, list := range j.shown {
		n += len(list)
	}
	for _, w := range j.waiting {
		n += len(w.list)
	}
	return n
}
