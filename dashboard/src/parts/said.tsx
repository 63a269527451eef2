// Sentences that the service says, with commands and names in them.
/** A sentence with its `code` set as such. */
export function Said({ children }: { children: string }) {
  return children.split("`").map((part, nth) =>
    nth % 2 === 1 ? (
      <code key={nth} className="rounded bg-sunk px-1 font-mono text-[0.9em] wrap-anywhere text-ink">
        {part}
      </code>
    ) : (
      part
    ),
  );
}
