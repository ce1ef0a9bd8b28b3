package ui

import (
	"io"
	"log/slog"
	"strings"

	"github.com/urfave/cli/v2"
)

// LogFlags are flags of all commands, wherever they stand.
func LogFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "log-format", EnvVars: []string{"SEALTAPE_LOG_FORMAT"}, Value: "text", Usage: "`FORMAT` of what is logged: text or json"},
		&cli.StringFlag{Name: "log-level", EnvVars: []string{"SEALTAPE_LOG_LEVEL"}, Usage: "log from this `LEVEL` up: debug, which may show who is in the room, info, warn or error",
			DefaultText: "info; on a terminal warn"},
	}
}

// A logging says how to log. The zero value logs text, for the level that the
// place calls for.
type logging struct {
	JSON  bool
	Level *slog.Level // nil: not said
}

// SetLogging takes the values of the log flags, "" for those not given.
func (e *Env) SetLogging(format, level string) error {
	var l logging
	switch format {
	case "json":
		l.JSON = true
	case "", "text":
	default:
		return Misuse("--log-format is %q, want text or json", format)
	}
	switch level {
	case "":
	case "debug", "info", "warn", "error":
		l.Level = new(slog.Level)
		if err := l.Level.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
			return err
		}
	default:
		return Misuse("--log-level is %q, want debug, info, warn or error", level)
	}
	e.Logging = l
	e.log.Store(nil)
	if l.JSON {
		e.log.Store(e.NewLog(e.Stderr, slog.LevelInfo))
	}
	return nil
}

// NewLog returns a log to w from the level that was asked for up, or else from
// this one.
func (e *Env) NewLog(w io.Writer, level slog.Level) *slog.Logger {
	if e.Logging.Level != nil {
		level = *e.Logging.Level
	}
	o := &slog.HandlerOptions{Level: level}
	if e.Logging.JSON {
		o.ReplaceAttr = durations
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// durations writes them as text does, such as 3.5s: as a number they would be nanoseconds,
// which no name says.
func durations(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}
