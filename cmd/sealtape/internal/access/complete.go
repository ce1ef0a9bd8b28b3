package access

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// completeTime bounds what a shell waits for the store.
const completeTime = 2 * time.Second

// CompleteIDs completes the ID of a recording from the store that the flags typed
// so far, or the environment, name; it takes no key.
func CompleteIDs(cmd *cli.Command) cli.BashCompleteFunc {
	others := cli.DefaultCompleteWithFlags(cmd)
	return func(c *cli.Context) {
		if typed := os.Args[len(os.Args)-2]; strings.HasPrefix(typed, "-") || c.NArg() > 0 {
			others(c)
			return
		}
		e := ui.Of(c)
		ctx, cancel := context.WithTimeout(c.Context, completeTime)
		defer cancel()
		name := c.String("store")
		if names := flags.StoreNames(c); len(names) > 0 {
			name = names[0]
		}
		store, err := OpenStore(ctx, e, name, false)
		if err != nil {
			return // there is nobody to tell
		}
		e.Printf("last\n")
		for id, err := range archive.IDs(ctx, store) {
			if err != nil {
				return
			}
			e.Printf("%s\n", id)
		}
	}
}
