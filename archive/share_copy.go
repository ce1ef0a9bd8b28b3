package archive

import "context"

// CopyShares copies the shares of the recording id from src to dst, and returns
// how many there are. Like the recording itself they are copied as they are, and
// without any key. What is damaged in dst is overwritten: a share's name is the hash of its
// bytes.
//
// The error wraps a *BadObjectError for each share that is damaged in src, or cannot be
// put; the others are copied nonetheless.
func CopyShares(ctx context.Context, dst, src Store, id string) (int, error) {
	return copyBeside(ctx, dst, src, id, sharesFolder)
}

// CopyAttachments copies the attachments of the recording id as CopyShares does its shares.
func CopyAttachments(ctx context.Context, dst, src Store, id string) (int, error) {
	return copyBeside(ctx, dst, src, id, attachmentsFolder)
}
