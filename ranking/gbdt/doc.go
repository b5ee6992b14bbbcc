// Package gbdt trains, reads and serves gradient boosted trees.
//
// A [Model] is one or more forests over the same features; each forest gives a head, or one head for
// each class. It is a [recsys.Ranker]: its features bind to the pipeline's columns by name, at Build,
// so that a column which is missing, or of another kind, is an error and not a wrong score.
//
//	model, err := gbdt.Load("model.txt", gbdt.Options{Heads: []string{"click"}}) // trained by LightGBM
//	p, err := recsys.NewPipeline(…, recsys.Features(store), recsys.Rank(model), …).Build()
//
// [Train] makes one of a [ranking.Dataset]: a head for each of its labels. Its [Config] says what the parameters of LightGBM are
// called here.
//
//	model, err := gbdt.Train(ctx, gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.LogLoss}}, data)
//	err = model.Save("click.gbdt")
//
// [Combine] puts models side by side, so that a file for clicks and one for purchases become a ranker with two heads.
//
// # Files
//
// [Load] tells files apart by content; any of them may be packed by gzip.
//
//	file                          | what is read
//	ours (Save)                   | everything, with checksums; old versions stay readable
//	LightGBM text, v2 to v4       | numeric and categorical splits, all kinds of missing values, linear trees, dart, goss,
//	                              | rf (averaged), multiclass and multiclassova, all objectives with their transforms
//	LightGBM JSON (dump_model)    | the same
//	XGBoost JSON, UBJSON (1.x on) | gbtree, dart, gblinear; one-hot and partitioned categories, num_parallel_tree, base_score,
//	                              | multi:softprob and multi:softmax, best_iteration (Options.Rounds)
//
// Raw scores of LightGBM's models have the bits that LightGBM computes, those with linear leaves are within 1e-12; those of XGBoost,
// which sums in float32, are within 1e-6; leaves are the same. What a file uses and this package does not compute is an
// [*UnsupportedError] that names it: XGBoost's binary format before 3.1, several targets, leaves of several values, objectives
// that are not known. A file that is broken is a [*FileError] with the line, or the path to the field.
//
// [Model.WriteLightGBM] writes LightGBM's text, with the vocabularies of a model from here; [Options].Pandas reads them back.
//
// # Features
//
//	feature                          | column                        | value
//	numeric                          | Float                         | as it is
//	categorical, with a vocabulary   | ID                            | the place of the ID in the vocabulary
//	categorical, without one (files) | Float                         | the category itself
//	the same, IDsAreCategories       | Float, or an ID below 2^24    | the category itself
//
// [Train] keeps vocabularies; [Options].Categories gives one to a file, [Options].Pandas takes those that LightGBM's Python package,
// or XGBoost from 3.1 on, leaves in it. An ID column of a feature without one is refused, as IDs are hashes of text as a rule and no
// tree would know any: [Options].IDsAreCategories says that they are the numbers of the categories. A category that is not known goes where the trees send what
// they do not name. NaN is missing; what else counts as missing is said by the model ([Options].Missing for XGBoost's parameter
// missing). The columns of a table are float32: a file's thresholds are compared as float64 with the widened value, as LightGBM does with
// float32 input. [Model.PredictRows] and the other functions over rows take float64.
//
// # Scores
//
// A head is the prediction after the link of the objective, which the next table shows; the score is the first head. Raw scores come from
// [Model.Raw].
//
//	objective (LightGBM | XGBoost)                                | head
//	regression, l1, huber, quantile, … | reg:squarederror, …      | the raw score; with reg_sqrt its signed square
//	binary, cross_entropy, multiclassova | binary:logistic        | a probability
//	multiclass | multi:softprob                                   | a probability for each class
//	– | multi:softmax, binary:hinge                               | the number of the class
//	poisson, gamma, tweedie | count:poisson, reg:gamma, …         | exp of the raw score
//	cross_entropy_lambda | –                                      | log(1 + exp of the raw score)
//	lambdarank, rank_xendcg | rank:ndcg, rank:pairwise, rank:map  | the raw score, which is no probability
//
// Heads that are no probabilities are refused by an objective that needs them, unless calibrated.
//
// # Engines
//
// A model is compiled when it is loaded or trained, for its shape and the processor. All engines add the same leaf values in the same
// order and give the same bits; NaN and categories take part in each.
//
//	trees                      | rows     | engine
//	of at most 64 leaves       | many     | bit vectors: all nodes of a tree over blocks of rows, AVX-512 or AVX2
//	of at most 64 leaves       | one, two | 16 trees at once, AVX-512
//	larger, or another machine | any      | a walk of eight rows, or of one, without branches, in Go
//	with very large categories | any      | a plain walk
//
// [Model.Rank] allocates nothing in steady state. [NewCascade] scores all candidates by the first rounds and the best of them
// by the rest; its Measure says what that loses.
//
// # Explanations
//
// [Model.Contributions] are the Shapley values of the features by TreeSHAP, LightGBM's pred_contrib; [Model.Explain] is that for one
// row of a served slate. [Model.Importance] counts gain or splits.
//
// # Parameters of LightGBM
//
// What the parameters of LightGBM are called in [Config] and [Objective]; defaults are the same where nothing else is said. Names of its
// scikit-learn classes stand in brackets. Each [Loss] says which objective it is.
//
//	objective, metric, eval_at       | Objective (Loss, Metric, Cutoff), by head: Heads
//	num_iterations (n_estimators)    | Rounds
//	learning_rate                    | LearningRate
//	num_leaves, max_depth            | Leaves, MaxDepth
//	min_data_in_leaf                 | MinRows
//	  (min_child_samples)            |
//	min_sum_hessian_in_leaf          | MinHessian
//	  (min_child_weight)             |
//	min_gain_to_split                | MinGain
//	  (min_split_gain)               |
//	lambda_l1, lambda_l2             | L1, L2
//	  (reg_alpha, reg_lambda)        |
//	max_delta_step                   | MaxLeaf
//	path_smooth                      | PathSmoothing
//	bagging_fraction, bagging_freq   | RowFraction, RowEvery (0 means 1 here: RowFraction alone samples)
//	  (subsample, subsample_freq)    |
//	bagging_by_query                 | RowsByGroup
//	feature_fraction, …_bynode       | FeatureFraction, NodeFeatureFraction
//	  (colsample_bytree)             |
//	data_sample_strategy=goss,       | GOSS
//	  top_rate, other_rate           |
//	boosting=dart, drop_rate,        | Boosting: DART, DropRate, SkipDrop (0 here, 0.5 there), MaxDrop
//	  skip_drop, max_drop            |   (uniform_drop=false, xgboost_dart_mode=false)
//	boosting=rf                      | Boosting: RandomForest
//	monotone_constraints             | Monotone, by name (method basic)
//	interaction_constraints          | Interactions, by name; a feature that is in no set stays alone
//	categorical_feature              | Dataset.IDColumns, and Categorical
//	cat_smooth, cat_l2               | CategorySmoothing, CategoryL2
//	max_cat_threshold                | MaxCategories
//	max_cat_to_onehot                | OneHotCategories
//	min_data_per_group               | MinRowsPerCategories
//	max_bin, min_data_in_bin         | Bins (255 includes the bin of missing values), MinRowsPerBin
//	bin_construct_sample_cnt         | BinRows
//	zero_as_missing                  | ZeroAsMissing (use_missing is always true)
//	early_stopping_round, …_min_delta| Patience, MinImprovement, with Validation
//	init_model                       | Init
//	weight, group columns            | Dataset.Weights, Groups
//	position column                  | Dataset.Positions, with Objective.Examination given and not learned
//	num_threads, seed                | Workers, Seed (all other seeds derive from it)
//	pandas_categorical (of a file)   | Options.Pandas
//	scale_pos_weight, alpha, num_class, tweedie_variance_power, poisson_max_delta_step, sigmoid,
//	lambdarank_truncation_level, lambdarank_norm, label_gain: see Objective
//
// Not here: is_unbalance (see Objective.PositiveWeight), linear_tree, extra_trees, monotone_penalty,
// forced splits and bins, cegb, refit, multiclassova (train a head for each class), fair, mape and
// cross_entropy_lambda.
//
// # What it does not do
//
// There is no boosting of linear models (gblinear files are read), no several targets in one leaf, no GPU. A model is immutable: training goes on from
// [Config].Init and gives a new one, which [recsys.Live] swaps in.
package gbdt
