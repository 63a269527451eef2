// One of a few: as buttons side by side, or as the list of the browser, which a phone shows its own way.
import { useId, type ComponentProps } from "react";

interface Props<T extends string> {
  label: string;
  options: readonly { value: T; title: string }[];
  value: T;
  onChange: (value: T) => void;
}

export function Choice<T extends string>({ label, options, value, onChange }: Props<T>) {
  return (
    <div role="group" aria-label={label} className="flex w-fit flex-wrap rounded-lg border border-line bg-panel p-0.5">
      {options.map((one) => (
        <button
          key={one.value}
          type="button"
          aria-pressed={one.value === value}
          onClick={() => onChange(one.value)}
          className="min-h-9 rounded-md px-3 text-sm text-soft aria-pressed:bg-sunk aria-pressed:font-medium aria-pressed:text-ink"
        >
          {one.title}
        </button>
      ))}
    </div>
  );
}

interface ListProps extends Omit<ComponentProps<"select">, "onChange"> {
  label: string;
  options: readonly { value: string; title: string }[];
  onChange?: (value: string) => void;
}

export function List({ label, options, onChange, className = "", ...rest }: ListProps) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      <select
        id={id}
        className="min-h-11 w-full rounded-lg border border-line bg-panel px-3"
        onChange={onChange && ((event) => onChange(event.target.value))}
        {...rest}
      >
        {options.map((one) => (
          <option key={one.value} value={one.value}>
            {one.title}
          </option>
        ))}
      </select>
    </div>
  );
}
