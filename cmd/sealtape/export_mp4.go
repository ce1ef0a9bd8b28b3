package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback"
)

// mp4Flags are those of export that only --format mp4 takes.
func (o *exportOptions) mp4Flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "layout", Destination: &o.layout, Value: "grid", Usage: "of mp4, `grid` or speaker"},
		&cli.StringFlag{Name: "size", Destination: &o.size, Value: "1280x720", Usage: "of mp4, `WIDTHxHEIGHT` of the picture"},
		&cli.StringFlag{Name: "encoder", Destination: &o.encoder, Value: playback.EncoderAuto,
			Usage: "of mp4, `auto` for hardware that works or else software, software, " + strings.Join(playback.HardwareEncoders(), ", ")},
	}
}

// exporter returns what exports to the format.
func (o *exportOptions) exporter() (exporter, error) {
	if o.format == "mp4" {
		return o.mp4Exporter()
	}
	export := exporters[o.format]
	if export == nil {
		return nil, ui.Misuse("--format is %q, want mkv, tracks or mp4", o.format)
	}
	for _, name := range []string{"layout", "size", "encoder"} {
		if o.given[name] {
			return nil, ui.Misuse("--%s is for --format mp4", name)
		}
	}
	return export, nil
}

func (o *exportOptions) mp4Exporter() (exporter, error) {
	m := playback.MP4Options{Layout: playback.Layout(o.layout)}
	if m.Layout != playback.LayoutGrid && m.Layout != playback.LayoutSpeaker {
		return nil, ui.Misuse("--layout is %q, want grid or speaker", o.layout)
	}
	width, height, _ := strings.Cut(o.size, "x")
	w, werr := strconv.Atoi(width)
	h, herr := strconv.Atoi(height)
	if werr != nil || herr != nil || w%2 != 0 || h%2 != 0 || w < 160 || h < 90 || w > 3840 || h > 2160 {
		return nil, ui.Misuse("--size is %q, want even numbers from 160x90 to 3840x2160", o.size)
	}
	m.Width, m.Height = w, h
	m.Encoder = o.encoder
	if known := append([]string{playback.EncoderAuto, playback.EncoderSoftware}, playback.HardwareEncoders()...); !slices.Contains(known, m.Encoder) {
		return nil, ui.Misuse("--encoder is %q, want one of %s", o.encoder, strings.Join(known, ", "))
	}
	return func(ctx context.Context, s *playback.Session, path string, options playback.ExportOptions) (playback.Report, error) {
		m.ExportOptions, m.Warn = options, o.warn
		return playback.ExportMP4(ctx, s, path, m)
	}, nil
}
