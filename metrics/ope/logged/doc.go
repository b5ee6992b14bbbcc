// Package logged estimates from exposure logs what another policy would have earned.
//
//	report, err := logged.Evaluate(ctx, logged.Files("exposures.jsonl"), logged.Config{
//		Target: policy,                        // what would have been served instead
//		Reward: logged.Any(recsys.Click),      // what a place earned
//	})
//	for _, e := range report.Slates.Estimates {
//		fmt.Println(e)
//	}
//
// Exposures are joined with their feedback as they are read, and reduced one by one: memory is
// that of the join and of the estimators, whatever the length of the log.
//
// # Target policies
//
// A [Policy] says with what probability it would have shown what the log shows. What it needs of
// the records depends on how it knows:
//
//	policy                       level of the log     notes
//	*recsys.Pipeline             recsys.LogFull       its filters, rankers, re-rankers, constraints and explorer run again
//	Judge(explorer, config)      recsys.LogFull, or   an explorer alone, on the order in which rows were logged;
//	                             all rows recorded    proven on each record against the logger's propensities
//	PolicyFunc, Table            any                  what your own code, or a file, says of the shown rows
//
// A record of recsys.LogSlate holds the shown rows and a sample of the others. The probability of
// a row depends on all that could have been shown in its place, so nothing but a table or your
// own function can be judged on it: the others return an error that wraps
// [recsys.ErrPartialRecord]. The level is chosen when the log is written: recsys.Log(sink, recsys.LogFull).
//
// # Logs that can be judged
//
// Weights are small where the logger now and then showed what the target shows. A policy that has
// learned hardly shows anything but its favourites, and what it logs says little of any other. Let a
// share of requests be served at random:
//
//	recsys.Explore(bandit.Mixture{Members: []bandit.Member{
//		{Explorer: policy, Weight: 0.9},
//		{Explorer: bandit.Uniform{}, Weight: 0.1},
//	}})
//
// The propensities are those of the mixture, so that no weight of a slate exceeds ten times what it
// would be on a log of Uniform alone. Policies that explore without chance (UCB), whose own logs are
// refused, make logs that can be judged this way, too.
//
// # What is estimated
//
// [Report].Slates is about whole slates, by the estimators of package ope for slates: SIPS, RIPS,
// their self-normalized forms, cascade-DR, and IIPS where slates are few enough to enumerate. [Report].Top is about the first place alone, by the
// estimators of single decisions, DM and DR among them; with slates of one place it is all there
// is. Estimators that need what records do not hold are an error.
//
// # What is refused
//
// An estimate from a log that it cannot come from looks like any other number, so: records
// whose explorer chose without chance, or estimated its propensities, records of several
// pipelines, schemas or K, and values outside their domain are errors that name the record; the
// first two, and mixes, can be allowed by name in [Config]. Degraded records are left out and counted.
package logged
