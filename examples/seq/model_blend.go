package main

import "github.com/recsyskit/recsys/examples/internal/lab"

const blendName = "blend"

// blendModels has the model that is made of others, which the program trains and loads by
// itself.
var blendModels = []model{{name: blendName, params: lab.BlendParams}}
