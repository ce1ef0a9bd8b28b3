package main

import (
	"io"
	"log/slog"
	"strings"

	"github.com/urfave/cli/v2"
)

// logFlags are flags of all commands, wherever they stand.
func logFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "log-format", EnvVars: []string{"SEALTAPE_LOG_FORMAT"}, Value: "text", Usage: "`FORMAT` of what is logged: text or json"},
		&cli.StringFlag{Name: "log-level", EnvVars: []string{"SEALTAPE_LOG_LEVEL"}, Usage: "log from this `LEVEL` up: debug, which may show who is in the room, info, warn or error",
			DefaultText: "info; on a terminal warn"},
	}
}

// A logging says how to log. The zero value logs text, for the level that the
// place calls for.
type logging struct {
	json  bool
	level *slog.Level // nil: not said
}

// setLogging takes the values of the log flags, "" for those not given.
func (e *env) setLogging(format, level string) error {
	var l logging
	switch format {
	case "json":
		l.json = true
	case "", "text":
	default:
		return misuse("--log-format is %q, want text or json", format)
	}
	switch level {
	case "":
	case "debug", "info", "warn", "error":
		l.level = new(slog.Level)
		if err := l.level.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
			return err
		}
	default:
		return misuse("--log-level is %q, want debug, info, warn or error", level)
	}
	e.logging = l
	e.log = nil
	if l.json {
		e.log = e.newLog(e.stderr, slog.LevelInfo)
	}
	return nil
}

// newLog returns a log to w from the level that was asked for up, or else from
// this one.
func (e *env) newLog(w io.Writer, level slog.Level) *slog.Logger {
	if e.logging.level != nil {
		level = *e.logging.level
	}
	o := &slog.HandlerOptions{Level: level}
	if e.logging.json {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
