using System.Diagnostics;
using PanelBench;

// How long the panel's lists take on a large installation.
//   PanelBench seed FOLDER [DOMAINS ACCOUNTS]   makes accounts.db in FOLDER: 1,000 domains with 100,000 accounts where nothing else is said
//   PanelBench lists FOLDER                     asks every list for pages, sorts and filters; prints p50, p95 and the longest, milliseconds
switch (args)
{
    case ["seed", var folder, ..]:
        int domains = args.Length > 2 ? int.Parse(args[2], null) : 1000;
        int accounts = args.Length > 3 ? int.Parse(args[3], null) : 100_000;
        var watch = Stopwatch.StartNew();
        await Seeder.RunAsync(folder, domains, accounts);
        Console.WriteLine($"{domains} domains, {accounts} accounts in {watch.Elapsed.TotalSeconds:0.0} s");
        return 0;
    case ["lists", var folder]:
        return await ListTimes.RunAsync(folder);
    default:
        Console.Error.WriteLine("PanelBench seed FOLDER [DOMAINS ACCOUNTS] | PanelBench lists FOLDER");
        return 2;
}
