package player_test

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive/s3"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/servers"
)

// What a long meeting is, and what playing it may take.
const (
	bigLength    = 2 * time.Hour
	bigVoices    = 30
	bigCameras   = 6
	bigBits      = 500_000 // of a camera, a second
	roundTrip    = 50 * time.Millisecond
	loads, seeks = 5, 20
	mostFirst    = time.Second
	mostSeek     = 700 * time.Millisecond
	mostMemory   = 150 << 20
	leastExport  = 100 // times as fast as the meeting was, for one core
	exported     = 20 * time.Minute
)

// BenchmarkPlayer plays two hours of 30 people, 6 of them before a camera, from a
// MinIO that every request takes a round trip of 50 ms to, in Chromium. All run on
// this machine, which the browser needs most of: it decodes 36 tracks without help.
// It takes 4 GB of disk.
func BenchmarkPlayer(b *testing.B) {
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Minute)
	defer cancel()
	people := newPeople(b)
	begun := time.Now()
	id, vars := farAway(b, ctx, people)
	b.Logf("%v, %d voices, %d cameras of %d kbit/s: sealed and stored in %.0f s", bigLength, bigVoices, bigCameras, bigBits/1000, time.Since(begun).Seconds())

	var firsts, found []time.Duration
	var memory int64
	for n := range loads {
		c := startPlayer(b, people.Owner, vars, id)
		p, err := player.Open(ctx, player.PageConfig{URL: c.URL, Measure: true, Script: player.StopwatchScript})
		if err != nil {
			b.Fatal(err)
		}
		first, err := p.FirstTook(ctx)
		if err != nil {
			b.Fatal(err)
		}
		firsts = append(firsts, first.All())
		b.Logf("loaded: picture after %.0f ms, sound after %.0f ms", ms(first.Picture), ms(first.Sound))
		if n == loads-1 {
			found = seekAbout(b, ctx, p)
		}
		memory = max(memory, peak(b, c.PID()))
		if err := p.Close(); err != nil {
			b.Error(err)
		}
		if code, err := c.Stop(ctx); code != 0 || err != nil {
			b.Errorf("play ended with %d: %v\n%s", code, err, c.Said())
		}
	}
	speed := exportSpeed(b, ctx, people.Owner, vars, id)

	report := func(name, unit string, ours float64, kind string, limit float64) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
			}
			b.ReportMetric(ours, "ours:"+unit)
			b.ReportMetric(limit, kind+":"+unit)
		})
	}
	slices.Sort(firsts)
	slices.Sort(found)
	report("first", "ms", ms(firsts[len(firsts)/2]), "max", ms(mostFirst))
	report("first-worst", "ms", ms(firsts[len(firsts)-1]), "max", ms(mostFirst))
	report("seek", "ms", ms(found[len(found)/2]), "max", ms(mostSeek))
	report("seek-worst", "ms", ms(found[len(found)-1]), "max", ms(mostSeek))
	report("memory", "MiB", float64(memory)/(1<<20), "max", mostMemory>>20)
	report("export", "x", speed, "min", leastExport)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// farAway puts a big recording into a MinIO, and returns its ID and what a command
// must be given to reach it from afar.
func farAway(b *testing.B, ctx context.Context, people *player.People) (id string, vars []string) {
	b.Helper()
	m, err := servers.StartMinIO(ctx, servers.MinIOConfig{Progress: func(s string) { b.Log(s) }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.Kill)
	if err := m.Bucket(ctx, "meetings"); err != nil {
		b.Fatal(err)
	}
	store, err := s3.Open(ctx, s3.Config{Endpoint: m.Endpoint, Region: "us-east-1", Bucket: "meetings", AccessKey: m.AccessKey, SecretKey: m.SecretKey})
	if err != nil {
		b.Fatal(err)
	}
	meeting, err := player.Flashes(people.Readers, bigVoices, bigCameras, bigLength, true)
	if err != nil {
		b.Fatal(err)
	}
	meeting = player.Weighty(meeting, bigBits)
	if id, err = player.Upload(ctx, store, b.TempDir(), people.Signer.Signer(), meeting); err != nil {
		b.Fatal(err)
	}
	d, err := player.NewDistance(strings.TrimPrefix(m.Endpoint, "http://"), roundTrip)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := d.Close(); err != nil {
			b.Error(err)
		}
	})
	return id, []string{"AWS_ENDPOINT_URL_S3=http://" + d.Addr(), "AWS_ACCESS_KEY_ID=" + m.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + m.SecretKey, "AWS_REGION=us-east-1"}
}

func startPlayer(b *testing.B, home string, vars []string, id string) *player.Command {
	b.Helper()
	path, err := sealtape()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(path, "play", id, "--no-browser")
	cmd.Env = append(player.Environment(home, "s3://meetings"), vars...)
	begun := time.Now()
	c, err := player.Start(cmd)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Kill)
	b.Logf("the command printed its address after %.0f ms", ms(time.Since(begun)))
	return c
}

// seekAbout seeks all over the recording, and lets it play in between.
func seekAbout(b *testing.B, ctx context.Context, p *player.Page) (found []time.Duration) {
	b.Helper()
	random := rand.New(rand.NewPCG(5, 7))
	var said []string
	for range seeks {
		if err := sleep(ctx, time.Second); err != nil {
			b.Fatal(err)
		}
		to := random.Float64() * (bigLength - 10*time.Second).Seconds()
		took, err := p.SeekTook(ctx, to)
		if err != nil {
			b.Fatal(err)
		}
		found = append(found, took.All())
		said = append(said, fmt.Sprintf("%.0f", ms(took.All())))
	}
	if e := p.Errors(); len(e) > 0 {
		b.Errorf("the page says %q", e)
	}
	b.Logf("seeks took %s ms", strings.Join(said, ", "))
	return found
}

// peak is the most memory that a process had resident, in bytes.
func peak(b *testing.B, pid int) int64 {
	b.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kb, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(kb, "kB")), 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n << 10
		}
	}
	b.Fatal("the system does not say how much memory a process had")
	return 0
}

// exportSpeed exports a part, and returns how many seconds of the meeting a second
// of CPU time was enough for.
func exportSpeed(b *testing.B, ctx context.Context, home string, vars []string, id string) float64 {
	b.Helper()
	path, err := sealtape()
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "meeting.mkv")
	cmd := exec.CommandContext(ctx, path, "export", id, "-o", file, "--from", "0:40:00", "--to", "1:00:00")
	cmd.Env = append(player.Environment(home, "s3://meetings"), vars...)
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); cmp.Or(code, 3) != 3 {
		b.Fatalf("export: %v\n%s", err, out)
	}
	cpu, passed := cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), time.Since(begun)
	fi, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%v exported as mkv, %d MB: %.1f s of CPU time, %.1f s on the clock", exported, fi.Size()/1e6, cpu.Seconds(), passed.Seconds())
	return exported.Seconds() / cpu.Seconds()
}
