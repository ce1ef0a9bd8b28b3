package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/site"
	"github.com/sealtape/sealtape/playback/web"
)

func playerCommand() *cli.Command {
	var o playerOptions
	return &cli.Command{
		Name:      "player",
		Usage:     "make the page that plays recordings in any browser, with nothing to install",
		ArgsUsage: "-o PATH",
		Description: `PATH is a folder of static files for a web server, or, where it ends in .html, one file for a
reader's own disk. The page fetches sealed objects from the store and decrypts them in the
browser. "sealtape player verify URL" compares what a server sends with what this version
builds.

Whoever serves the page can serve another one, which takes the keys that are entered in it.
So serve it from where your members' keys live already, or from an origin for this alone;
never from the bucket, nor by who runs it. docs/player.md of the source says how, for nginx,
Caddy and CloudFront, whose settings are in the folder hosting.

The page may reach the stores that --store-origin names, and nothing else. Without, a folder
of files reaches its own origin only; one file reaches whatever store a link names.

The hash that is printed is that of the whole: index.html names each part with its hash. The
same version makes the same bytes anywhere.

A part of the page is a program, compiled for browsers. A released sealtape takes the file
` + programName + ` that was released with it, beside itself or from --wasm, if its hash is the
right one. Otherwise it is built from the source, with Go.`,
		UsageText: `  sealtape player -o tapes --store-origin https://s3.example.org
  sealtape player -o sealtape-player.html
  sealtape player verify https://tapes.example.org/`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &o.output, Usage: "the folder to make, or the file that ends in .html, as `PATH`"},
			&cli.StringSliceFlag{Name: "store-origin", Usage: "an `ORIGIN` that the page may fetch objects from, such as https://s3.example.org; repeat for more"},
			&cli.BoolFlag{Name: "direct-worker", Destination: &o.direct, Usage: "the host sends the headers of the folder hosting with every file: load the worker by its address, as WEBCAT wants"},
		}, o.wasmFlag()),
		Action:      flags.Action(&o, runPlayer),
		Subcommands: []*cli.Command{playerVerifyCommand()},
	}
}

type playerOptions struct {
	wasmOption
	output string
	stores []string
	direct bool
}

func (o *playerOptions) Rest(c *cli.Context) { o.stores = c.StringSlice("store-origin") }

// oneFile reports whether it is to be one.
func (o *playerOptions) oneFile() bool { return strings.EqualFold(filepath.Ext(o.output), ".html") }

func (o *playerOptions) Check() error {
	if o.output == "" {
		return ui.Misuse("where to? -o PATH is missing")
	}
	for _, s := range o.stores {
		if err := site.CheckStore(s); err != nil {
			return ui.Misuse("--store-origin: %v", err)
		}
	}
	if o.direct && o.oneFile() {
		return ui.Misuse("--direct-worker is for a folder: no host sends headers with a file on a disk")
	}
	return nil
}

func runPlayer(ctx context.Context, e *ui.Env, o *playerOptions) error {
	config, err := o.config(ctx, e)
	if err != nil {
		return err
	}
	config.Stores, config.Direct = o.stores, o.direct
	if o.oneFile() {
		f, err := site.BuildOneFile(config)
		if err != nil {
			return err
		}
		if err := site.WriteFile(o.output, f.Data); err != nil {
			return err
		}
		e.Printf("%s  %s\n", f.Sum(), ui.Clean(o.output))
		e.Notef("One file of %s. Pass its hash on by another way than the file, for whoever gets it to compare.", ui.Size(int64(len(f.Data))))
		return nil
	}
	s, err := site.Build(config)
	if err != nil {
		return err
	}
	size, err := s.Write(o.output)
	if errors.Is(err, site.ErrNotOurs) {
		return ui.Hinted(err, "name a new folder, or one with an earlier player")
	} else if err != nil {
		return err
	}
	e.Printf("%s  %s\n", s.Sum(), filepath.Join(o.output, site.Index))
	e.Notef("%s for a first visit, where the host sends what is compressed. Settings for hosts are in %s.",
		ui.Size(size), filepath.Join(o.output, "hosting"))
	if len(o.stores) == 0 {
		e.Notef("It reaches no store but its own origin: --store-origin names others.")
	}
	return nil
}

// config returns what this version builds a player of.
func (o *wasmOption) config(ctx context.Context, e *ui.Env) (site.Config, error) {
	p, err := o.program(ctx, e)
	return p.config(), err
}

// config returns what this version builds a player of with the program.
func (p browserProgram) config() site.Config {
	return site.Config{Page: web.Page(), Program: p.code, Glue: p.glue, Version: moduleVersion()}
}

// A wasmOption is that of commands that need the program for browsers.
type wasmOption struct{ wasm string }

func (o *wasmOption) wasmFlag() cli.Flag {
	return &cli.StringFlag{Name: "wasm", Destination: &o.wasm, Usage: "the program for browsers, as `FILE`"}
}

// beside returns the path of a file beside this program, "" if it is not known where that
// is.
func beside(name string) string {
	own, err := os.Executable()
	if err != nil {
		return ""
	}
	return filepath.Join(filepath.Dir(own), name)
}
