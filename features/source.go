package features

import "github.com/recsyskit/recsys"

// Source writes feature columns: the contract of every type here. See [recsys.FeatureSource].
type Source = recsys.FeatureSource

// Column declares one feature. See [recsys.Column].
type Column = recsys.Column
