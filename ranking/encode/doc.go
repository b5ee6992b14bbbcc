// Package encode turns IDs into numbers that any ranker can read: for a category, an item, a
// user or a pair of them, the mean label of the rows that had it, and how many there were.
//
//	target, train, err := encode.Fit(ctx, encode.Config{}, data) // data has ID columns user, item, hour and the head click
//	held, err = target.Transform(held)
//	model, err := gbdt.Train(ctx, gbdt.Config{Validation: held}, train)
//	p, err := recsys.NewPipeline(…, recsys.Features(store), recsys.Features(target), recsys.Rank(model), …).Build()
//
// adds the columns click(user), count(user), …, click(user,item), count(user,item), … to the dataset,
// and to the candidates of the pipeline.
//
// # Out of fold
//
// A mean that has seen the label of the row it is written into tells the model that label: the model
// learns to trust it, and fails on rows it has not seen. So rows are dealt to folds, and a row of the
// dataset that Fit returns gets the statistics of the other folds. Rows of one group share a
// fold, because at serving none of the decision's labels is known. What
// [Target.Transform] and the pipeline write comes from all rows.
//
// Dataset and pipeline hold the columns by the same names, so that a model trained on the one binds to the other.
//
// # What it does not do
//
// Statistics do not change while they serve, and all rows count alike however old they are: fit again
// for that, and give [ranking.Dataset] the weights of old rows.
//
//	algorithm          | type   | cost of a candidate | source
//	target statistics  | Target | O(keys) look-ups    | Micci-Barreca, SIGKDD Explorations 3(1), 2001, equation 3
//	out of fold        | Fit    | –                   | Prokhorenkova et al., NeurIPS 2018, section 3.2 (holdout and its relatives)
package encode
