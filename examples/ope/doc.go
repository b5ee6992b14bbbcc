// Ope estimates from a log what another policy would have earned.
//
//	go run ./examples/ope -golden F.json [-json] [-report page.html]
//	go run ./examples/ope -log F -target uniform|greedy|softmax:T|pl:T|FILE [-reward click] [flags]
//
// # Files of slices
//
// -golden takes a JSON object of lists; its kind is told by its keys. Rows are decisions.
//
//	single decisions   reward, action, pscore, action_dist (rows x actions), q_hat (the same shape)
//	context-free       reward, action, position, pscore, action_dist (actions x len_list), q_hat (by action)
//	several loggers    the first, with stratum_idx and pscore_avg
//	slates             slate_id, position, reward, pscore, pscore_cascade, pscore_item_position, the same of the
//	                   target policy behind eval_, action, eval_action_dist and q_hat (slates x len_list x actions)
//
// An object under "expected" names the estimators to print, as Open Bandit Pipeline calls them:
// under estimates, tuned (each with its "lambdas") and bounds; flat for slates and several
// loggers. Without it all of them are printed. An estimator whose columns the file lacks has no numbers.
//
// # Exposure logs
//
// -log takes a file of records, plain or gzip, or the folder of a FileSink. The target policies pl:T and softmax:T
// (both draw without replacement by exp(utility/T)), uniform and greedy choose in the place
// of the explorer that made the log, on records of all candidates: serve with recsys.LogFull. That explorer is
// read off the records, or given as -logger in the same words or as eps:E, and must give the logged
// propensities, with -depth and -max-per where the pipeline had them. FILE holds a line
// {"id":"…","propensities":[…]} for each record: what a program of your own says of its shown rows. -unproven takes
// it that the explorer chose from the recorded rows, for a policy that has learned since; a log that shows rows beyond
// four times the slate needs -depth then.
//
// -reward is a kind of feedback, such as click, which counts once per place, or sum:purchase for the sum of its
// values; a log without such feedback is refused. -model boosted or linear adds estimators with a reward model on
// features as served, cross-fitted by user; -positions adds those by the probabilities of items at their places, which are enumerated.
// Estimates of slates are per slate, those of single decisions on the first place alone.
//
// -interval and -level choose the interval. Every estimate has a verdict: reliable, weak or
// unreliable, with the reason.
package main
