package main

// blendModels has the model that is made of others, which the program trains and loads by
// itself.
var blendModels = []model{{
	name: blendName,
	params: []param{
		{name: "budget", doc: "candidates that all sources together propose", def: "1000", integer: true, min: 1, max: 1e6},
	},
}}

const blendName = "blend"
