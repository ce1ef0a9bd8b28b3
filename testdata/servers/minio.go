package servers

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/sealtape/sealtape/testdata/servers/build"
)

// A MinIOConfig says how to run a MinIO server.
type MinIOConfig struct {
	// Progress, if not nil, is told what takes long.
	Progress func(string)

	// Disk, if not 0, is the size in bytes of a disk in memory that the data lies
	// on, and that can be filled: Linux only, with mount(8) and unshare(1). No
	// other process sees it, and it does not outlast a Crash.
	Disk int64
}

// A MinIO is a running MinIO server.
type MinIO struct {
	S3
	KMSKey string // the name of a key that it encrypts under where it is asked to
}

// StartMinIO starts a server with root credentials of its own, without buckets,
// and returns once it is ready. The context is for the start only.
func StartMinIO(ctx context.Context, c MinIOConfig) (*MinIO, error) {
	path, err := build.MinIO.Path(ctx, c.Progress)
	if err != nil {
		return nil, err
	}
	var mount []string // what becomes the server in the end
	if c.Disk > 0 {
		unshare, err := exec.LookPath("unshare")
		if err != nil {
			return nil, fmt.Errorf("could not mount a disk: %w", err)
		}
		mount = []string{unshare, "--map-root-user", "--mount", "sh", "-c",
			`mkdir data && mount -t tmpfs -o "size=$1" tmpfs data && shift && exec "$@"`, "sh", fmt.Sprint(c.Disk)}
	}
	s := &MinIO{S3: newS3(), KMSKey: "at-rest"}
	var secret [32]byte
	rand.Read(secret[:])
	s.process, err = retryPorts(func() (*process, error) {
		ports, err := FreePorts(2)
		if err != nil {
			return nil, err
		}
		s.Endpoint = fmt.Sprintf("http://127.0.0.1:%d", ports[0])
		command := append(slices.Clone(mount), path,
			"server", "data", "--certs-dir", "certs", // in the process's folder
			"--address", fmt.Sprintf("127.0.0.1:%d", ports[0]),
			"--console-address", fmt.Sprintf("127.0.0.1:%d", ports[1]))
		return start(ctx, "minio", command[0], command[1:],
			[]string{
				"MINIO_ROOT_USER=" + s.AccessKey, "MINIO_ROOT_PASSWORD=" + s.SecretKey,
				"MINIO_KMS_SECRET_KEY=" + s.KMSKey + ":" + base64.StdEncoding.EncodeToString(secret[:]),
				"MINIO_BROWSER=off", // no console
				"MINIO_UPDATE=off",  // asks no one for new versions
				"MINIO_CI_CD=on",    // data may lie on the system's disk
			},
			s.Endpoint+"/minio/health/ready")
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Data returns the folder that the server keeps its objects in, for a test to
// look at what is on the disk. With a disk of its own it looks empty.
func (s *MinIO) Data() string { return filepath.Join(s.dir, "data") }
