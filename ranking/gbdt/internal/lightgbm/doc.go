// Package lightgbm reads and writes the model files of LightGBM: the text of
// Booster.save_model, versions 2 to 4, which is also what the library itself reads;
// and it reads the JSON of Booster.dump_model.
//
// What a file says about training (parameters, importances) is not kept. A tree of a random
// forest is not divided: the forest's Average says that predictions are.
package lightgbm
