package main

import "github.com/recsyskit/recsys/examples/internal/hyper"

// blendModels has the model that is made of others, which the program trains and loads by
// itself.
var blendModels = []model{{
	name: blendName,
	params: hyper.Params{
		{Name: "budget", Doc: "candidates that all sources together propose", Default: "1000", Integer: true, Min: 1, Max: 1e6},
	},
}}

const blendName = "blend"
