package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback"
)

// mixFlags are those of export that only some formats take.
func (o *exportOptions) mixFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "no-level", Destination: &o.noLevel, Usage: "for mixed sound: leave each speaker as loud as they were received"},
		&cli.StringFlag{Name: "layout", Destination: &o.layout, Value: "grid", Usage: "for mp4: `grid` shows all alike, speaker who speaks large"},
		&cli.StringFlag{Name: "size", Destination: &o.size, Value: "1280x720", Usage: "for mp4: `WIDTHxHEIGHT` of the picture"},
		&cli.StringFlag{Name: "encoder", Destination: &o.encoder, Value: playback.EncoderAuto,
			Usage: "for mp4: `auto` for hardware that works or else software, software, " + strings.Join(playback.HardwareEncoders(), ", ")},
	}
}

// checkMix takes what mixFlags say, and refuses them for other formats.
func (o *exportOptions) checkMix() error {
	if !o.kind.mixes && o.noLevel {
		return ui.Misuse("--no-level is for mixed sound: %s", namesOf(func(f format) bool { return f.mixes }, formatName, "or"))
	}
	if !o.kind.pictures {
		for _, name := range []string{"layout", "size", "encoder"} {
			if o.given[name] {
				return ui.Misuse("--%s is for --format mp4", name)
			}
		}
		return nil
	}
	m := playback.MP4Options{Layout: playback.Layout(o.layout)}
	if m.Layout != playback.LayoutGrid && m.Layout != playback.LayoutSpeaker {
		return ui.Misuse("--layout is %q, want grid or speaker", o.layout)
	}
	width, height, _ := strings.Cut(o.size, "x")
	w, werr := strconv.Atoi(width)
	h, herr := strconv.Atoi(height)
	if werr != nil || herr != nil || w%2 != 0 || h%2 != 0 || w < 160 || h < 90 || w > 3840 || h > 2160 {
		return ui.Misuse("--size is %q, want even numbers from 160x90 to 3840x2160", o.size)
	}
	m.Width, m.Height = w, h
	m.Encoder = o.encoder
	if known := append([]string{playback.EncoderAuto, playback.EncoderSoftware}, playback.HardwareEncoders()...); !slices.Contains(known, m.Encoder) {
		return ui.Misuse("--encoder is %q, want one of %s", o.encoder, strings.Join(known, ", "))
	}
	o.mp4 = m
	return nil
}
