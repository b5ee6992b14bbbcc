// Package interleave compares two rankings on the same users: it mixes them into one list, and clicks
// on that list tell which ranking they prefer. That takes ten to a hundred times fewer clicks than to show
// each to half of the users. It works on plain slices and knows neither items nor users, so it can be used alone.
//
//	draft := interleave.TeamDraft(current, candidate, 10, seed) // of the request
//	... show draft.List, log draft.Teams ...
//	credit, err := interleave.TeamCredit(draft.Teams, clicks)
//	err = experiment.Add(user, credit)
//	...
//	r := experiment.Result()
//
// # Conventions
//
// Ranking A is the one that is there, B the one that challenges it: what is above 0 speaks for B. A
// ranking lists items best first; an item that comes twice counts where it comes first. clicks[i] is how often,
// or how much, the item at place i of the shown list was clicked.
//
// Functions are pure and safe for concurrent use. Bad clicks are errors ([*ClickError]), never a number.
//
// # What is here
//
//	what                              | function, type           | source
//	Team-Draft                        | TeamDraft, TeamDraftBits | Radlinski et al., CIKM 2008, algorithm 2
//	its credit                        | TeamCredit               | the same
//	credit without a shared top       | Draft.Decisive           | Chapelle et al., TOIS 2012
//	balanced interleaving             | Balanced                 | Joachims, KDD 2002; Radlinski et al. 2008, algorithm 1
//	its credit                        | BalancedCredit           | the same
//	credit of several clicks          | Credit                   | Chapelle et al., TOIS 2012
//	exact test of who wins            | SignTest                 | binomial
//	test of the mean difference       | TTest                    | Student 1908
//	units with several impressions    | Experiment               | –
//
// # What it does not do
//
// Interleaving says which ranking users click more and not by how much a metric of the business would change: that
// is for an A/B test. Balanced interleaving is biased for some pairs of rankings (Radlinski et al. 2008: with
// A = 1 2 3 and B = 2 3 1, random clicks prefer B); Team-Draft is not, and is the one to choose.
package interleave
