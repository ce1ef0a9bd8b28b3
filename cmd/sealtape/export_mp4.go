package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/playback"
)

// mp4Flags are those of export that only --format mp4 takes.
func mp4Flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "layout", Value: "grid", Usage: "of mp4, `grid` or speaker"},
		&cli.StringFlag{Name: "size", Value: "1280x720", Usage: "of mp4, `WIDTHxHEIGHT` of the picture"},
	}
}

// mp4Exporter returns what exports as the flags say.
func mp4Exporter(c *cli.Context) (exporter, error) {
	o := playback.MP4Options{Layout: playback.Layout(c.String("layout"))}
	if o.Layout != playback.LayoutGrid && o.Layout != playback.LayoutSpeaker {
		return nil, usagef(c, "--layout is %q, want grid or speaker", c.String("layout"))
	}
	width, height, _ := strings.Cut(c.String("size"), "x")
	w, werr := strconv.Atoi(width)
	h, herr := strconv.Atoi(height)
	if werr != nil || herr != nil || w%2 != 0 || h%2 != 0 || w < 160 || h < 90 || w > 3840 || h > 2160 {
		return nil, usagef(c, "--size is %q, want even numbers from 160x90 to 3840x2160", c.String("size"))
	}
	o.Width, o.Height = w, h
	return func(ctx context.Context, s *playback.Session, path string, options playback.ExportOptions) (playback.Report, error) {
		o.ExportOptions = options
		return playback.ExportMP4(ctx, s, path, o)
	}, nil
}

// exporterFor returns the function for a format.
func exporterFor(c *cli.Context, format string) (exporter, error) {
	if format == "mp4" {
		return mp4Exporter(c)
	}
	export := exporters[format]
	if export == nil {
		return nil, usagef(c, "--format is %q, want mkv, tracks or mp4", format)
	}
	for _, name := range []string{"layout", "size"} {
		if c.IsSet(name) {
			return nil, usagef(c, "--%s is for --format mp4", name)
		}
	}
	return export, nil
}

// undecoded tells what could not be decoded.
func (e *env) undecoded(r playback.Report) {
	for _, err := range r.Problems {
		e.notef("could not be decoded: %s", fmt.Sprintf("%.300s", clean(err.Error())))
	}
}
