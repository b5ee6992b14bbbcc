// Bandit plays policies that learn against simulated environments and tells their regret, beside that of a
// reference file; or tells how likely arms are to be the best one.
//
//	go run ./examples/bandit -golden regret.json                            # all environments and policies of the file
//	go run ./examples/bandit -golden regret.json -env bern_abrupt -policy dts_gamma0.995 -runs 500
//	go run ./examples/bandit -golden regret.json -report regret.html
//	go run ./examples/bandit -thompson thompson_exact.json
//
// # Environments
//
// The file describes them; see [file]. A Bernoulli arm rewards by chance; rewards may come late or in batches, arms
// may arrive late, and means may change. In linear environments the mean reward is a product of the context with a
// parameter for each arm, or of the features of actions, new in each round, with one for all. In a cascade a user looks at a list
// from its top until something pleases. Regret is the difference of means between the best choice and the one made, summed over rounds;
// arms that have not arrived do not count.
//
// # Policies
//
// Names carry parameters:
//
//	eps_greedy_0.1, eps_0.1      epsilon-greedy: everywhere but in cascades
//	softmax_0.1                  Boltzmann exploration, by the temperature
//	ucb1, ucb1_c0.5              upper confidence bound mean + √(c·ln t / n), c = 2
//	klucb, klucb_c3              by Kullback–Leibler divergence, ln t + c·ln ln t, c = 0
//	sw_ucb_w800_c0.6             over a window of 800 observations
//	exp3_g0.1                    exponential weights mixed with γ
//	ts_beta11, ts_beta0.5,2      Thompson sampling from the prior Beta(1, 1), Beta(0.5, 2)
//	dts_gamma0.995               discounted: observations fade by γ
//	random                       all alike
//	linucb_0.5, lints_0.5        linear models: bound of α = 0.5, posterior of scale 0.5
//	cascade_NAME                 in cascades: NAME is one of the above but for linear models; the bound of
//	                             cascade_ucb1 has c = 1.5 and that of cascade_klucb c = 3, as in Kveton et al. 2015
//	cascade_ts, cascade_ts_anew  one draw for the list, as in Zhong et al. 2021; a draw for each place, as slates are filled
//	                             that want exact propensities
//
// # Chance
//
// Run i of an environment draws the same contexts for all policies, and what comes out depends on -seed alone and
// not on -workers.
package main
