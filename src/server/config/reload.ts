import { type FSWatcher, realpathSync, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** Editors and mounted config maps write in several steps; what stands there after this long is what they mean. */
const SETTLE_MS = 200;
/** The link that Kubernetes turns when a mounted config map changes. */
const MOUNT_LINK = "..data";

export type ConfigWatch = { close(): void };

/**
 * Calls `onChange` a moment after the file may have changed, also when it was replaced or a link to it was turned: folders are
 * watched, not the file. `onChange` may find that nothing has changed. Where a folder cannot be watched nothing is called.
 */
export function watchConfig(file: string, onChange: () => void): ConfigWatch {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const watchers: FSWatcher[] = [];
  const places = new Map([file, targetOf(file)].map((path) => [dirname(path), basename(path)]));
  for (const [folder, name] of places) {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, changed) => {
        if (changed !== null && changed !== name && changed !== MOUNT_LINK) return;
        // Not put off by later events, or a busy folder would put it off for ever.
        timer ??= setTimeout(() => {
          timer = undefined;
          onChange();
        }, SETTLE_MS);
      });
      watcher.on("error", () => watcher.close());
      watchers.push(watcher);
    } catch {
      // A file system without notifications; SIGHUP remains.
    }
  }
  return {
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

function targetOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
