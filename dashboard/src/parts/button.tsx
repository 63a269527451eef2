// A button, in the four ways that something can be pressed.
import type { ComponentProps } from "react";

const KINDS = {
  main: "bg-brand text-on-brand hover:brightness-110",
  plain: "border border-line bg-panel text-ink hover:bg-sunk",
  quiet: "text-soft hover:bg-sunk hover:text-ink",
  grave: "bg-bad text-on-brand hover:brightness-110",
} as const;

interface Props extends ComponentProps<"button"> {
  kind?: keyof typeof KINDS;
}

/** A button. `type="button"` unless said otherwise, so that none sends a form by accident. */
export function Button({ kind = "main", className = "", type = "button", ...rest }: Props) {
  const shape =
    "inline-flex min-h-10 items-center justify-center gap-2 rounded-lg px-4 text-sm font-medium break-keep transition " +
    "disabled:cursor-not-allowed disabled:opacity-50";
  return <button type={type} className={`${shape} ${KINDS[kind]} ${className}`} {...rest} />;
}
