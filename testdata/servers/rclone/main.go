// Command rclone is rclone with nothing but "serve s3" on a folder, which takes a
// third of the time to build. It is a module of its own, so that nobody who
// imports Sealtape meets its dependencies.
package main

import (
	_ "github.com/rclone/rclone/backend/local"
	"github.com/rclone/rclone/cmd"
	_ "github.com/rclone/rclone/cmd/serve"
	_ "github.com/rclone/rclone/cmd/serve/s3"
)

func main() { cmd.Main() }
