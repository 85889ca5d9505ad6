using System.Text;
using MailEngine.Mime;
using MailEngine.Sieve.Language;
using MailEngine.Sieve.Matching;
using MailEngine.Sieve.Messages;
using MailEngine.Sieve.Running;

namespace MailEngine.Sieve.Tests;

/// <summary>[":mime"] [":anychild"]: whose header fields are looked at. RFC 5703 §4</summary>
/// <param name="OfPart">Of the part that the loop is at; outside of loops of the message.</param>
/// <param name="WithChildren">And of all parts that it holds.</param>
internal readonly record struct MimeScope(bool OfPart, bool WithChildren)
{
    public static MimeScope Read(Arguments arguments)
    {
        bool mime = arguments.Flag("mime", Capability.Mime), children = arguments.Flag("anychild", Capability.Mime);
        if (children && !mime)
            arguments.Script.Error(arguments.Offset, $":anychild of \"{arguments.Name}\" needs :mime beside it.");
        return new MimeScope(mime, children);
    }

    public HeaderLine[] Fields(SieveRun run, string name)
    {
        MessageView message = run.Message;
        run.Charge(1);
        if (!OfPart || !WithChildren)
        {
            int part = OfPart ? run.Part : 0;
            run.ChargeFor(4L * message.LinesFor(part, name));
            return message.Fields(part, name);
        }
        var found = new List<HeaderLine>();
        int end = message.EndOf(run.Part);
        run.Charge(end - run.Part);
        for (int part = run.Part; part < end; part++)
        {
            run.ChargeFor(4L * message.LinesFor(part, name));
            found.AddRange(message.Fields(part, name));
        }
        return [.. found];
    }
}

/// <summary>[MIMEOPTS]: what of a structured field is looked at. RFC 5703 §4.1</summary>
internal sealed class MimeOptions(string? piece, ScriptString[] parameters)
{
    const int MostParameters = 100;

    public static MimeOptions? Read(Arguments arguments, MimeScope scope)
    {
        string? piece = arguments.OneOf(("type", Capability.Mime), ("subtype", Capability.Mime), ("contenttype", Capability.Mime));
        ScriptString[]? parameters = arguments.TaggedStrings("param", Capability.Mime);
        if (piece is null && parameters is null)
            return null;
        if (piece is not null && parameters is not null)
            arguments.Script.Error(arguments.Offset, $":{piece} and :param exclude one another.");
        if (!scope.OfPart)
            arguments.Script.Error(arguments.Offset, $":{piece ?? "param"} of \"{arguments.Name}\" needs :mime beside it.");
        return new MimeOptions(piece, parameters ?? []);
    }

    public IEnumerable<MatchValue> Values(SieveRun run, HeaderLine line)
    {
        if (piece is not null)
        {
            (string type, string subtype) = TypeOf(line);
            string? value = piece switch
            {
                "type" => type,
                "subtype" => subtype.Length > 0 ? subtype : null,
                _ => subtype.Length > 0 ? $"{type}/{subtype}" : type,
            };
            return value is { Length: > 0 } ? [new MatchValue(value)] : [];
        }
        var values = new List<MatchValue>();
        foreach (ScriptString name in parameters.Take(MostParameters))
        {
            run.ChargeFor(line.RawValue.Length);
            byte[] wanted = Encoding.Latin1.GetBytes(name.Get(run));
            using var scratch = new ByteBuffer(256);
            ReadOnlySpan<byte> value = ParameterReader.Find(line.RawValue, wanted, scratch);
            if (!value.IsEmpty)
                values.Add(new MatchValue(Octets.OfText(IsExtended(line, wanted) ? Extended(value) : EncodedWord.Decode(value))));
        }
        return values;
    }

    // "name*" and "name*0*" have charset and percent escapes, "name" and "name*0" have not. RFC 2231 §4.1
    static bool IsExtended(HeaderLine line, byte[] name)
    {
        using var scratch = new ByteBuffer(256);
        var all = new ParameterReader(line.RawValue, scratch);
        while (all.MoveNext())
        {
            if (Ascii.EqualsIgnoreCase(all.Name, name))
                return false;
            if (all.NameLength > name.Length && all.Name[name.Length] == (byte)'*' && all.Name[^1] == (byte)'*' && Ascii.EqualsIgnoreCase(all.Name[..name.Length], name))
                return true;
        }
        return false;
    }

    // charset "'" [language] "'" *(octet / "%" 2HEXDIG) (RFC 2231 §7)
    static string Extended(ReadOnlySpan<byte> value)
    {
        int charset = value.IndexOf((byte)'\''), language = charset < 0 ? -1 : value[(charset + 1)..].IndexOf((byte)'\'');
        if (language < 0)
            return Encoding.UTF8.GetString(value);
        ReadOnlySpan<byte> escaped = value[(charset + language + 2)..];
        var plain = new List<byte>(escaped.Length);
        for (int i = 0; i < escaped.Length; i++)
        {
            if (escaped[i] == (byte)'%' && i + 2 < escaped.Length && char.IsAsciiHexDigit((char)escaped[i + 1]) && char.IsAsciiHexDigit((char)escaped[i + 2]))
            {
                plain.Add(Convert.FromHexString(Encoding.Latin1.GetString(escaped.Slice(i + 1, 2)))[0]);
                i += 2;
            }
            else
            {
                plain.Add(escaped[i]);
            }
        }
        return Charsets.Find(value[..charset]).GetString([.. plain]);
    }

    // type = token "/" token, or one token alone (Content-Disposition); comments and parameters follow
    static (string Type, string Subtype) TypeOf(HeaderLine line)
    {
        using var scratch = new ByteBuffer(256);
        var reader = new ParameterReader(line.RawValue, scratch);
        return (Octets.Of(reader.Type), Octets.Of(reader.Subtype));
    }
}
