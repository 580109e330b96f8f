// The log's disk that waits for nothing (--unsafe-no-fsync): what a caller wants synced is only written. It keeps none
// of the promises of its port across a power failure.
import type { Disk } from "./disk.ts";

export function unsyncedDisk(disk: Disk): Disk {
  return {
    list: (done) => disk.list(done),
    size: (name, done) => disk.size(name, done),
    read: (name, offsetBytes, lengthBytes, done) => disk.read(name, offsetBytes, lengthBytes, done),
    create: (name, sizeBytes, done) => disk.create(name, sizeBytes, done),
    write: (name, offsetBytes, bytes, _, done) => disk.write(name, offsetBytes, bytes, false, done),
    truncate: (name, sizeBytes, done) => disk.truncate(name, sizeBytes, done),
    remove: (name, done) => disk.remove(name, done),
    rename: (from, to, done) => disk.rename(from, to, done),
    close: (done) => disk.close(done),
  };
}
