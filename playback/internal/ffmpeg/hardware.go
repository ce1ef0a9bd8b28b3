package ffmpeg

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Auto and Software are the encoders of a Wish that are no hardware's.
const (
	Auto     = "auto"
	Software = "software"
)

// ErrEncoder: the encoder that was wanted does not work.
var ErrEncoder = errors.New("this encoder does not work here")

// A Wish says which encoder of H.264 is wanted.
type Wish struct {
	// Encoder is Auto, Software or one of Hardware. Auto is the first of Hardware
	// whose device is there and that works, or else software.
	Encoder string
	// Devices lists the files that match a pattern. Nil means filepath.Glob.
	Devices func(pattern string) ([]string, error)
	// For is how long hardware may take for its first pictures. 0 means 10 s: a driver
	// may have to wake its device.
	For time.Duration
}

// A hardware is an encoder that needs a device.
type hardware struct {
	name    string
	encoder encoder
	devices string // a pattern of the device's files; "" if the system has none
}

// hardwares are tried in this order. VAAPI works wherever QSV does, and elsewhere. Their quality is about that of libx264 with
// CRF 23: all but VideoToolbox choose the bitrate by it.
var hardwares = []hardware{
	{"nvenc", encoder{name: "h264_nvenc", args: []string{"-preset", "p4", "-rc", "vbr", "-cq", "25", "-b:v", "0"}}, "/dev/nvidia[0-9]*"},
	{"vaapi", encoder{name: "h264_vaapi", device: "-vaapi_device", filter: "format=nv12,hwupload", args: []string{"-qp", "24"}}, "/dev/dri/renderD*"},
	{"qsv", encoder{name: "h264_qsv", format: "nv12", args: []string{"-global_quality", "24"}}, "/dev/dri/renderD*"},
	{"videotoolbox", encoder{name: "h264_videotoolbox", args: []string{"-b:v", "2500k"}}, ""},
}

// tryFor is how long an encoder may take for its first pictures.
const tryFor = 10 * time.Second

// Hardware returns the names of the hardware encoders that a Wish may have.
func Hardware() (names []string) {
	for _, h := range hardwares {
		names = append(names, h.name)
	}
	return names
}

// Choose settles which encoder films are encoded with. It tries hardware with a few
// pictures of the film's size. With Auto, if hardware is there but none works, skipped
// says why in one line, and the choice is software. An error wraps ErrEncoder or
// ErrLacks if the hardware that was wanted cannot be used.
func (p *Program) Choose(ctx context.Context, w Wish, f Film) (skipped, err error) {
	if w.Encoder == Software {
		return nil, nil
	}
	if w.Encoder != Auto && !slices.Contains(Hardware(), w.Encoder) {
		return nil, fmt.Errorf("no encoder is called %.20q", w.Encoder)
	}
	var why []string
	for _, h := range hardwares {
		wanted := w.Encoder == h.name
		if !wanted && (w.Encoder != Auto || !p.encoders[h.encoder.name]) {
			continue
		}
		if !p.encoders[h.encoder.name] {
			return nil, fmt.Errorf("%w the encoder %s", ErrLacks, h.encoder.name)
		}
		tries, err := h.encoders(w)
		if err != nil {
			return nil, err
		}
		err = fmt.Errorf("there is no %s", h.devices)
		for _, e := range tries {
			if err = p.try(ctx, e, f, cmp.Or(w.For, tryFor)); err == nil {
				p.video = e
				return nil, nil
			}
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			why = append(why, fmt.Sprintf("%s: %.120s", h.name, err))
		}
		if wanted {
			return nil, fmt.Errorf("%w: %s: %w", ErrEncoder, h.name, err)
		}
	}
	if why != nil {
		skipped = fmt.Errorf("no hardware encodes here, so that software does: %s", strings.Join(why, "; "))
	}
	return skipped, nil
}

// encoders returns the encoder for each device that is there. An encoder that chooses
// its device by itself is returned once.
func (h hardware) encoders(w Wish) ([]encoder, error) {
	if h.devices == "" {
		return []encoder{h.encoder}, nil
	}
	list := w.Devices
	if list == nil {
		list = filepath.Glob
	}
	devices, err := list(h.devices)
	if err != nil || len(devices) == 0 {
		return nil, err
	}
	if h.encoder.device == "" {
		return []encoder{h.encoder}, nil
	}
	var out []encoder
	for _, device := range devices {
		e := h.encoder
		e.before = []string{e.device, device}
		out = append(out, e)
	}
	return out, nil
}

// try encodes a few black pictures of a film's size. It returns an error unless H.264
// comes out.
func (p *Program) try(ctx context.Context, e encoder, f Film, most time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("nothing came out of it in %v", most))
	defer cancel()
	in, w, err := os.Pipe()
	if err != nil {
		return err
	}
	args := slices.Concat([]string{"-nostdin", "-hide_banner", "-nostats", "-v", "error", "-xerror", "-protocol_whitelist", "pipe,fd"},
		e.before, f.input(), []string{"-i", "pipe:0"}, e.video(f), []string{"-f", "h264", "pipe:1"})
	var out bytes.Buffer
	c, err := start(ctx, p.path, args, in, &out)
	if err != nil {
		return errors.Join(err, w.Close())
	}
	n := f.Width * f.Height
	picture := slices.Concat(bytes.Repeat([]byte{16}, n), bytes.Repeat([]byte{128}, n/2))
	pictures := PictureWriter{W: w, Film: f}
	var werr error
	for place := range int64(8) {
		if werr = pictures.Write(place, picture); werr != nil {
			break // it has exited: Wait says why
		}
	}
	cerr := w.Close()
	err = c.wait()
	switch {
	case err != nil:
		return err
	case werr != nil && !errors.Is(werr, syscall.EPIPE):
		return werr
	case cerr != nil:
		return cerr
	case !bytes.HasPrefix(bytes.TrimLeft(out.Bytes(), "\x00"), []byte{1}):
		return errors.New("what came out is no H.264")
	}
	return nil
}

// video returns the arguments that encode a film's pictures.
func (e encoder) video(f Film) []string {
	// Players can jump to key frames: there is one every four seconds, however few
	// pictures there are.
	args := []string{"-c:v", e.name, "-g", fmt.Sprint(4 * f.Rate), "-force_key_frames", "expr:gte(t,n_forced*4)"}
	if e.filter != "" {
		args = append(args, "-vf", e.filter)
	} else if e.format != "" {
		args = append(args, "-pix_fmt", e.format)
	} else {
		args = append(args, "-pix_fmt", "yuv420p")
	}
	return append(args, e.args...)
}
