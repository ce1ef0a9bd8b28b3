package s3

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/sealtape/sealtape/archive"
)

// mapError makes err match the errors of the Store contract.
func mapError(err error) error {
	var resp minio.ErrorResponse
	if !errors.As(err, &resp) {
		return err
	}
	switch resp.Code {
	case minio.NoSuchKey:
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case minio.NoSuchBucket:
		return fmt.Errorf("%w: %w", archive.ErrNoStore, err)
	case "XMinioParentIsObject", "XMinioObjectExistsAsDirectory", // a MinIO server's own
		"ObjectParentIsFile", "ExistingObjectIsDirectory": // versitygw's
		return fmt.Errorf("%w: %w", archive.ErrConflict, err)
	case "ExpiredToken": // with status 400
		return fmt.Errorf("%w: %w (%s)", archive.ErrDenied, err, resp.Code)
	}
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		// The code tells a wrong key from a missing permission or a wrong clock.
		return fmt.Errorf("%w: %w (%s)", archive.ErrDenied, err, resp.Code)
	}
	if isRefusal(err) {
		return fmt.Errorf("%w: %w (%d %s)", archive.ErrRefused, err, resp.StatusCode, resp.Code)
	}
	return err
}

// isMomentary reports whether err may come from a server that stores files in
// folders, where the removal of the last other object removed the folder at the
// same moment: a MinIO server then denies access (cmd/os-reliable.go), versitygw
// v1.8.0 finds a folder in the object's place. A real refusal comes again at the
// next try.
func isMomentary(err error) bool {
	code := minio.ToErrorResponse(err).Code
	return code == minio.AccessDenied || code == "ExistingObjectIsDirectory"
}

// isVague reports whether err is a refusal without a reason: the answer to a HEAD
// request has no body that could give one.
func isVague(err error) bool {
	resp := minio.ToErrorResponse(err)
	return (resp.StatusCode == http.StatusBadRequest || resp.StatusCode == http.StatusNotImplemented) && strings.HasPrefix(resp.Code, fmt.Sprint(resp.StatusCode))
}

// isRefusal reports whether the server refuses for good: not for a reason that
// another try may mend, and not for one that has an error of its own.
func isRefusal(err error) bool {
	var resp minio.ErrorResponse
	if !errors.As(err, &resp) || isVague(err) {
		return false
	}
	switch resp.Code {
	case minio.NoSuchKey, minio.NoSuchBucket, "ExpiredToken",
		"XMinioParentIsObject", "XMinioObjectExistsAsDirectory", "ObjectParentIsFile", "ExistingObjectIsDirectory",
		// The bytes changed on the way.
		"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody", "RequestTimeout":
		return false
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable,
		http.StatusRequestTimeout, http.StatusConflict, http.StatusLocked, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	case http.StatusMovedPermanently, http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return true // the first: the bucket is in another region
	}
	return resp.StatusCode >= 400 && resp.StatusCode < 500
}
