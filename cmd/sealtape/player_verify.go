package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/site"
)

func playerVerifyCommand() *cli.Command {
	var o playerVerifyOptions
	return &cli.Command{
		Name:      "verify",
		Usage:     "compare the page that a server sends with what this version builds",
		ArgsUsage: "URL",
		Description: `Fetches the page at URL and all that it names, compares each byte with what this version of
sealtape builds for the same stores, and prints the hash of the whole and the stores.

This shows what this machine was sent now. A server can send somebody else another page, or
the same one later: so it is a monitor, to be run again and again and from several places,
and no promise to a reader. A reader is safe from that with a file of their own, which
"sealtape player -o sealtape-player.html" makes.

Exit code 4: the server sends something else.`,
		UsageText: `  sealtape player verify https://tapes.example.org/
  sealtape player verify https://tapes.example.org/ --store-origin https://s3.example.org`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "store-origin", Usage: "an `ORIGIN` that the page is to reach: no other than those that are named; repeat for more"},
			o.wasmFlag(),
		},
		Action: flags.Action(&o, runPlayerVerify, flags.Argument{Name: "the URL of a page", To: &o.url}),
	}
}

type playerVerifyOptions struct {
	wasmOption
	url    string
	stores []string
}

func (o *playerVerifyOptions) Rest(c *cli.Context) { o.stores = c.StringSlice("store-origin") }

func (o *playerVerifyOptions) Check() error {
	for _, s := range o.stores {
		if err := site.CheckStore(s); err != nil {
			return ui.Misuse("--store-origin: %v", err)
		}
	}
	if _, err := site.FolderOf(o.url); err != nil {
		return ui.Misuse("%v", err)
	}
	return nil
}

func runPlayerVerify(ctx context.Context, e *ui.Env, o *playerVerifyOptions) error {
	config, err := o.config(ctx, e)
	if err != nil {
		return err
	}
	found, err := site.Check(ctx, &http.Client{}, config, o.url)
	if err != nil {
		return err
	}
	e.Printf("%s  %s\n", found.Sum, site.Index)
	for _, d := range found.Differences {
		switch {
		case d.Why != "":
			e.Notef("%s: %s", d.Name, d.Why)
		default:
			e.Notef("%s: SHA-256 %s, want %s", d.Name, d.Served, d.Built)
		}
	}
	if len(found.Differences) > 0 {
		err := fmt.Errorf("%s is not what this version builds: %s", ui.Count(len(found.Differences), "file"), names(found.Differences))
		if v := found.Version; v != moduleVersion() {
			return ui.ExitWith(ui.ExitUnverified, ui.Hinted(err, fmt.Sprintf("it says that %s built it: compare it with that version; until then enter no key there", cmp.Or(ui.Clean(v), "nobody"))))
		}
		return ui.ExitWith(ui.ExitUnverified, ui.Hinted(err, "enter no key there, and ask who runs the server"))
	}
	for _, s := range found.Stores {
		e.Printf("store  %s\n", s)
	}
	if len(found.Missing) > 0 {
		e.Notef("The host does not send as this version recommends: %s. See the folder hosting of sealtape player -o DIR.", strings.Join(found.Missing, ", "))
	}
	e.Notef("This is what this machine was sent now: the server can send others something else.")
	if len(o.stores) > 0 && !sameSet(o.stores, found.Stores) {
		return ui.ExitWith(ui.ExitUnverified, ui.Hinted(errors.New("it was built for other stores than --store-origin names"), "ask who built it, and for what"))
	}
	return nil
}

func names(list []site.Difference) string {
	var out []string
	for _, d := range list {
		out = append(out, d.Name)
	}
	return strings.Join(out, ", ")
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}
