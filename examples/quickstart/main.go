package main

import "github.com/recsyskit/recsys/examples/internal/cli"

func main() { cli.Main(run) }
