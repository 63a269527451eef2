// A line to type in, as every form has it.
import { useId, type ComponentProps } from "react";

interface Props extends ComponentProps<"input"> {
  label: string;
  /** What is wrong with what was typed. */
  problem?: string | undefined;
  /** What may be typed. */
  hint?: string | undefined;
}

// Browsers take no address whose name is written in Korean for one; the service does.
const EMAIL = { type: "text", inputMode: "email", autoCapitalize: "none", spellCheck: false } as const;

/** One line to type in, its name above it and what is wrong with it below. */
export function Field({ label, problem, hint, ...given }: Props) {
  const id = useId();
  const rest = given.type === "email" ? { ...given, ...EMAIL } : given;
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      <input
        id={id}
        aria-invalid={Boolean(problem)}
        aria-describedby={problem ? `${id}-problem` : hint ? `${id}-hint` : undefined}
        className="min-h-11 w-full rounded-lg border border-line bg-panel px-3 aria-invalid:border-bad"
        {...rest}
      />
      {hint && !problem && (
        <p id={`${id}-hint`} className="mt-1 text-sm text-soft">
          {hint}
        </p>
      )}
      {problem && (
        <p id={`${id}-problem`} className="mt-1 text-sm text-bad">
          {problem}
        </p>
      )}
    </div>
  );
}
